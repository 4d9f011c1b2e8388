import { connect } from "node:net";

const SEND_TIMEOUT_MS = 10_000;

export interface CutRequest {
  readonly address: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface CutOutcome {
  readonly bytesSent: number;
  /** Of the answer: 0, for the connection is gone before anyone reads. */
  readonly bytesRead: number;
}

/**
 * Sends a whole HTTP request and cuts the connection without reading a byte of the answer: what a client lives through
 * whose network fails at the worst moment. A socket does it, because every HTTP client insists on its answer.
 */
export function sendAndCut(request: CutRequest, signal: AbortSignal): Promise<CutOutcome> {
  const { hostname, port, host } = new URL(request.address);
  const head = Object.entries({
    host,
    "content-type": "application/json",
    "content-length": String(Buffer.byteLength(request.body)),
    ...request.headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const bytes = Buffer.from(`${request.method} ${request.path} HTTP/1.1\r\n${head.join("")}\r\n${request.body}`);

  return new Promise((resolve, reject) => {
    // Without a "data" listener the socket stays paused: nothing is read, even when an answer arrives at once.
    const socket = connect({ host: hostname, port: Number(port), signal });
    socket.setTimeout(SEND_TIMEOUT_MS, () => socket.destroy(new Error("The request could not be sent in time.")));
    socket.once("error", reject);
    socket.once("connect", () => {
      // The callback comes when the system has taken every byte, and `destroy` then ends the connection in order.
      socket.write(bytes, (error) => {
        if (error) return;
        const outcome = { bytesSent: bytes.length, bytesRead: socket.bytesRead };
        socket.destroy();
        resolve(outcome);
      });
    });
  });
}

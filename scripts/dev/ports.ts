import { createServer } from "node:net";

/** Local services listen here and nowhere else. */
export const LOCAL_HOST = "127.0.0.1";

/** The system's error code when nothing can listen on the port (such as EADDRINUSE), or undefined when it is free. */
export async function portFault(port: number): Promise<string | undefined> {
  try {
    await listenOnce(port);
    return undefined;
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

/** A port that was free a moment ago. */
export async function findFreePort(): Promise<number> {
  return listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, LOCAL_HOST, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}

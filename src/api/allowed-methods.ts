interface Route {
  readonly method: string;
  readonly path: string;
}

/** The methods under which a path is known, for `Allow`. Empty when the path is unknown. */
export function allowedMethods(routes: readonly Route[], path: string): readonly string[] {
  const methods = routes
    .filter((route) => route.method !== "ALL" && patternOf(route.path).test(path))
    .map((route) => route.method);
  const all = methods.includes("GET") ? ["HEAD", ...methods] : methods;
  return [...new Set(all)].toSorted();
}

/** Hono's path with `:name` segments, as a pattern. */
function patternOf(path: string): RegExp {
  const source = path
    .split("/")
    .map((segment) => (segment.startsWith(":") ? "[^/]+" : segment.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")))
    .join("/");
  return new RegExp(`^${source}$`);
}

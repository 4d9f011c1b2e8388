import { registerHooks } from "node:module";

const SOURCES = new URL("../../src/", import.meta.url).href;
const HAS_ENDING = /\.[a-z]+$/u;

/** The Worker's sources name each other without endings, as its bundler wants them: from here on Node finds them too. */
registerHooks({
  resolve: (specifier, context, next) => {
    const isOurs = specifier.startsWith(".") && context.parentURL?.startsWith(SOURCES) === true;
    return next(isOurs && !HAS_ENDING.test(specifier) ? `${specifier}.ts` : specifier, context);
  },
});

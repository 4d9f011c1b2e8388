/** The icon of our pages, in itself, so that no browser asks for another: two waves, the second an echo of the first. */
export const PAGE_ICON = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b5cad"/><g fill="none" stroke="#fff" stroke-width="3" stroke-linecap="round"><path d="M6 13q5-8 10 0t10 0"/><path d="M6 22q5-8 10 0t10 0" opacity=".55"/></g></svg>',
)}`;

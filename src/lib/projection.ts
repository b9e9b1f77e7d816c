type Document = Readonly<Record<string, unknown>>;

const ALONE: ReadonlySet<unknown> = new Set([undefined, 0, 1]);

/** Names of whole fields, all of them wanted or all of them not: what can be chosen of the document here. */
export function isPlain({ _id, ...paths }: Document = {}): boolean {
  const [first, ...others] = Object.values(paths);
  return (
    ALONE.has(_id) &&
    ALONE.has(first) &&
    others.every((each) => each === first) &&
    Object.keys(paths).every((path) => !path.includes('.'))
  );
}

/** What a plain projection leaves of a document. */
export function projected(document: Document, { _id, ...paths }: Document = {}): Document {
  const [first = 0] = Object.values(paths);
  const isWanted = (path: string) => (path === '_id' ? _id !== 0 : path in paths === (first === 1));
  return Object.fromEntries(Object.entries(document).filter(([path]) => isWanted(path)));
}

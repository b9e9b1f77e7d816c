/** Where backups lie, each in a directory of its id. */
export interface Storage {
  /** For people: where that is, without credentials. */
  readonly location: string;
  /** Names of the directories, those of backups that were never finished too. */
  directories(): Promise<string[]>;
  /** Paths of the files below a directory. */
  files(directory: string): Promise<string[]>;
  /** Writes a file, whole or not at all; when it returns, the file is safe. */
  write(path: string, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Undefined where there is no such file. */
  read(path: string): Promise<AsyncIterable<Uint8Array> | undefined>;
  /** Removes one file, or none. */
  remove(path: string): Promise<void>;
  /** Removes a directory with everything in it. */
  removeDirectory(directory: string): Promise<void>;
  close(): void;
}

/** For small files alone. */
export async function readText(storage: Storage, path: string): Promise<string | undefined> {
  const content = await storage.read(path);
  if (content === undefined) return undefined;
  const pieces: Uint8Array[] = [];
  for await (const piece of content) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

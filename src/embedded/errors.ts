/** No database can be had as things stand. The message is for the person at the terminal: what is wrong, what to do. */
export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
}

/** What went wrong, in words, of whatever was thrown. */
export const reason = (error: unknown): string => (error instanceof Error ? error.message : String(error));

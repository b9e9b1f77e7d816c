/** An error whose message is meant for the person who started the program: printed without a stack. */
export class EngineError extends Error {
  override readonly name: string = 'EngineError';
}

/** The message of whatever was thrown; with the stack when it is not an error made for people. */
export function explainError(error: unknown): string {
  if (error instanceof EngineError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

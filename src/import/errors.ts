/** A file cannot be imported at all: nothing of it was looked at. The message says why. */
export class UnusableFileError extends Error {
  override readonly name = 'UnusableFileError';
}

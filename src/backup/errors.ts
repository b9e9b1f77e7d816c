/** A backup cannot be made or read; the message says why, and what to do. It holds no data and no key. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError';
}

/** The key that a backup needs is not there, or is another one. Nothing has been written anywhere. */
export class BackupKeyError extends BackupError {
  override readonly name = 'BackupKeyError';
}

/** What is stored is not what was written: damaged, altered, cut off, or moved from elsewhere. */
export class BackupDamagedError extends BackupError {
  override readonly name = 'BackupDamagedError';
}

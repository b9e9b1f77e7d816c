/** A backup cannot be made or read; the message says why, and what to do. It holds no data and no key. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError';
}

/** The key that a backup needs is not there, or is another one. Nothing has been written anywhere. */
export class BackupKeyError extends BackupError {
  override readonly name = 'BackupKeyError';
}

/** The backup is whole and in its place, but this could not be noted: it is told of as failed, or not at all. */
export class UnrecordedBackupError extends BackupError {
  override readonly name = 'UnrecordedBackupError';
}

/** What is stored is not what was written: damaged, altered, cut off, or moved from elsewhere. */
export class BackupDamagedError extends BackupError {
  override readonly name = 'BackupDamagedError';
}

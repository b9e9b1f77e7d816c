/** What this server calls itself, in messages to people and as the name of its cache. */
export const PROGRAM = 'mongod-documentdb';

/** The server version reported to drivers, which switch on what that version can do. */
export const VERSION: string = process.env['MONGOD_DOCUMENTDB_VERSION'] ?? '7.0.28';

/** Where a mongod reports its git commit: whoever looks closely can tell that this is not one. */
export const GIT_VERSION = 'mongod-documentdb';

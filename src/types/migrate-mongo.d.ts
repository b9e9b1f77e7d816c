/** The part of migrate-mongo that is used here; the package ships no types. */
declare module 'migrate-mongo' {
  import type { Db, MongoClient } from 'mongodb';

  interface Configuration {
    readonly migrationsDir: string;
    readonly migrationFileExtension: string;
    readonly changelogCollectionName: string;
    readonly moduleSystem: 'esm';
    readonly useFileHash: boolean;
  }

  export const config: { set(configuration: Configuration): void };
  /** @returns the names of the files that were applied */
  export function up(db: Db, client: MongoClient): Promise<string[]>;
  /** Undoes the newest applied one. @returns its file name, alone in a list */
  export function down(db: Db, client: MongoClient): Promise<string[]>;
}

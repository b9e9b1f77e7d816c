import mongoose from 'mongoose';
import { notebook } from '../../examples/notes/index.ts';
import { mount } from '../../src/collections/index.ts';
import { buildTestApp, type TestApp } from './app.ts';

/** Of plain JavaScript, as migrations are. */
const MIGRATION = new URL('../../examples/notes/migrations/001_add_notes.js', import.meta.url);

/** The service with the collections of examples/notes, as a team would mount them. */
export async function buildNotebookApp(overrides: Record<string, string> = {}): Promise<TestApp> {
  const unmount = mount(...notebook);
  const service = await buildTestApp(overrides);
  const { up }: { up: (db: object) => Promise<void> } = await import(MIGRATION.href);
  await up(mongoose.connection.getClient().db(mongoose.connection.name));
  return {
    ...service,
    close: async () => {
      // Before the database is looked over: it has collections that no list has any more, and so is not used again.
      unmount();
      await service.close();
    },
  };
}

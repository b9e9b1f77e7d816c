import { describe, expect, test } from 'vitest';
import { type Absent, type Binary, chooseBinary, type Machine } from '../../src/embedded/choose.ts';
import { DatabaseUnavailableError } from '../../src/embedded/errors.ts';
import type { Engine } from '../../src/embedded/record.ts';

const binary = (path: string, engine: Engine, version: string): Binary => ({ path, engine, version });

const OFFERS = {
  fromVariable: binary('/given/mongod', 'mongodb', '8.0.4'),
  onPath: binary('/usr/bin/mongod', 'mongodb', '8.0.1'),
  inCache: binary('/cache/mongod', 'mongodb', '8.2.6'),
  byDownload: binary('/downloads/mongod', 'mongodb', '8.2.6'),
  launcher: binary('/packages/mongod', 'documentdb', '7.0.28'),
};
type Source = keyof typeof OFFERS;

/** A machine that has what is offered, and remembers what it was asked. */
function machineWith(offers: Partial<Record<Source, Binary>>): Machine & { asked: Source[] } {
  const asked: Source[] = [];
  const ask = (source: Source) => (): Promise<Binary | Absent> => {
    asked.push(source);
    return Promise.resolve(offers[source] ?? { absent: `no ${source}` });
  };
  return {
    asked,
    fromVariable: ask('fromVariable'),
    onPath: ask('onPath'),
    inCache: ask('inCache'),
    byDownload: ask('byDownload'),
    launcher: ask('launcher'),
  };
}

const ORDER: readonly Source[] = ['fromVariable', 'onPath', 'inCache', 'byDownload', 'launcher'];

describe('a directory without data', () => {
  test.each(ORDER)('takes %s when nothing before it has anything, and asks nothing after it', async (source) => {
    const rest = ORDER.slice(ORDER.indexOf(source));
    const machine = machineWith(Object.fromEntries(rest.map((name) => [name, OFFERS[name]])));
    const choice = await chooseBinary(machine);
    expect(choice.binary).toEqual(OFFERS[source]);
    expect(machine.asked).toEqual(ORDER.slice(0, ORDER.indexOf(source) + 1));
  });

  test('says on one line what was chosen, and why', async () => {
    const installed = await chooseBinary(machineWith({ onPath: OFFERS.onPath }));
    expect(installed.why).toBe('MongoDB 8.0.1, because /usr/bin/mongod is on the PATH');
    const standIn = await chooseBinary(machineWith({ launcher: OFFERS.launcher }));
    expect(standIn.why).toBe(
      'DocumentDB (PostgreSQL) 7.0.28, because no fromVariable, no onPath, no inCache, no byDownload',
    );
  });

  test('with nothing at all says what was tried and what to do', async () => {
    const attempt = chooseBinary(machineWith({}));
    await expect(attempt).rejects.toThrow(DatabaseUnavailableError);
    await expect(attempt).rejects.toThrow(/no byDownload; no launcher.*MONGODB_URI.*MONGOMS_SYSTEM_BINARY/);
  });

  test('passes over a mongod on the PATH that is too old, and refuses one that was asked for', async () => {
    const old = binary('/usr/bin/mongod', 'mongodb', '6.0.20');
    const choice = await chooseBinary(machineWith({ onPath: old, inCache: OFFERS.inCache }));
    expect(choice.binary).toEqual(OFFERS.inCache);
    await expect(chooseBinary(machineWith({ fromVariable: old }))).rejects.toThrow(/6\.0\.20, and 7\.0 is the oldest/);
  });
});

describe('data that exist', () => {
  test('of the stand-in keep it, and nothing is downloaded', async () => {
    const machine = machineWith({ onPath: OFFERS.onPath, inCache: OFFERS.inCache, launcher: OFFERS.launcher });
    const choice = await chooseBinary(machine, { engine: 'documentdb', version: '7.0.28' });
    expect(choice.binary).toEqual(OFFERS.launcher);
    expect(choice.why).toBe(
      'DocumentDB (PostgreSQL) 7.0.28, because DocumentDB (PostgreSQL) wrote the data that are there',
    );
    expect(machine.asked).toEqual(['fromVariable', 'onPath', 'launcher']);
  });

  test('of MongoDB keep it: the stand-in is no substitute, and the error names what is missing', async () => {
    const machine = machineWith({ launcher: OFFERS.launcher });
    const attempt = chooseBinary(machine, { engine: 'mongodb', version: '8.2.6' });
    await expect(attempt).rejects.toThrow(/^MongoDB 8\.2\.6, which wrote the data in this directory, was not found/);
    expect(machine.asked).not.toContain('launcher');
  });

  test('are not opened by another engine that was asked for', async () => {
    const attempt = chooseBinary(machineWith({ fromVariable: OFFERS.fromVariable, launcher: OFFERS.launcher }), {
      engine: 'documentdb',
      version: '7.0.28',
    });
    await expect(attempt).rejects.toThrow(/data belong to DocumentDB \(PostgreSQL\) 7\.0\.28, not to MongoDB 8\.0\.4/);
  });

  test.each([
    ['an older release', '8.0.16', false],
    ['the same release, older patch', '8.2.0', true],
    ['a newer release', '9.0.0', true],
  ])('of MongoDB 8.2.6 and %s', async (_, version, fits) => {
    const attempt = chooseBinary(machineWith({ onPath: binary('/usr/bin/mongod', 'mongodb', version) }), {
      engine: 'mongodb',
      version: '8.2.6',
    });
    if (fits) await expect(attempt).resolves.toMatchObject({ binary: { version } });
    else await expect(attempt).rejects.toThrow(/8\.0\.16 is older/);
  });
});

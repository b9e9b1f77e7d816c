import { describe, expect, test } from 'vitest';
import { parseCommandLine, type ServeOptions } from '../src/options.ts';
import { StartError } from '../src/start-error.ts';

function serve(line: string, env: NodeJS.ProcessEnv = {}): ServeOptions {
  const invocation = parseCommandLine(line.split(' ').filter(Boolean), env);
  if (invocation.action !== 'serve') throw new Error(`not served: ${invocation.action}`);
  return invocation.options;
}

function refusal(line: string, env: NodeJS.ProcessEnv = {}): StartError {
  try {
    serve(line, env);
  } catch (error) {
    if (error instanceof StartError) return error;
    throw error;
  }
  throw new Error(`accepted: ${line}`);
}

describe('what is honoured', () => {
  test('without options: the defaults of mongod', () => {
    expect(serve('')).toEqual({
      port: 27017,
      dbpath: '/data/db',
      hosts: ['127.0.0.1'],
      autoInitiate: false,
      ephemeral: false,
      exitWithParent: false,
      debug: false,
      params: {},
      logAppend: false,
    });
  });

  test('the command line of mongodb-memory-server', () => {
    const line =
      '--port 41000 --dbpath /tmp/x --replSet testset --storageEngine wiredTiger --bind_ip 127.0.0.1 --noauth';
    expect(serve(line)).toMatchObject({
      port: 41000,
      dbpath: '/tmp/x',
      replSet: 'testset',
      hosts: ['127.0.0.1'],
      ephemeral: false,
    });
  });

  test('a value after an equals sign, and the last of repeated options', () => {
    expect(serve('--port=1 --port=2 --dbpath=/a=b')).toMatchObject({ port: 2, dbpath: '/a=b' });
  });

  test.each([
    ['--bind_ip localhost,127.0.0.1', ['127.0.0.1']],
    ['--bind_ip 127.0.0.1,::1', ['127.0.0.1', '::1']],
    ['--bind_ip_all', ['0.0.0.0']],
    ['--bind_ip *', ['0.0.0.0']],
    ['--bind_ip_all --ipv6', ['::']],
    ['--bind_ip ::,0.0.0.0', ['::']],
  ])('%s listens on %j', (line, hosts) => {
    expect(serve(line).hosts).toEqual(hosts);
  });

  test.each(['ephemeralForTest', 'inMemory'])('--storageEngine %s gives durability up', (engine) => {
    expect(serve(`--storageEngine ${engine}`).ephemeral).toBe(true);
  });

  test('parameters, of which those that tune mongod alone are dropped', () => {
    const line =
      '--setParameter ttlMonitorSleepSecs=1 --setParameter enableTestCommands=1 --setParameter diagnosticDataCollectionEnabled=false';
    expect(serve(line).params).toEqual({ ttlMonitorSleepSecs: '1', enableTestCommands: '1' });
  });

  test('the environment, behind the command line', () => {
    const env = {
      MONGOD_DOCUMENTDB_REPLSET: 'rs-env',
      MONGOD_DOCUMENTDB_EPHEMERAL: '1',
      MONGOD_DOCUMENTDB_DEBUG: '1',
      MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '1',
    };
    const fromEnvironment = {
      replSet: 'rs-env',
      autoInitiate: true,
      ephemeral: true,
      debug: true,
      exitWithParent: true,
    };
    expect(serve('', env)).toMatchObject(fromEnvironment);
    expect(serve('--replSet rs0 --setParameter exitWithParent=false', env)).toMatchObject({
      replSet: 'rs0',
      autoInitiate: false,
      exitWithParent: false,
    });
  });

  test('a parent by its process number', () => {
    expect(serve('', { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: '4711' }).exitWithParent).toBe(4711);
    expect(serve('--setParameter exitWithParent=4711').exitWithParent).toBe(4711);
  });

  test('options that only tune mongod', () => {
    expect(serve('--oplogSize 50 --wiredTigerCacheSizeGB 0.25 --nojournal --quiet -vv').port).toBe(27017);
  });

  test.each([
    [['--help'], 'help'],
    [['-h'], 'help'],
    [['--version'], 'version'],
    [['provision'], 'provision'],
  ])('%j', (argv, action) => {
    expect(parseCommandLine(argv, {}).action).toBe(action);
  });
});

describe('what is refused, as bad options', () => {
  test.each([
    ['--auth', 'access control'],
    ['--keyFile /k', 'access control'],
    ['--tlsMode requireTLS', 'access control'],
    ['--sslPEMKeyFile /p', 'access control'],
    ['--fork', 'unrecognised option'],
    ['--config /etc/mongod.conf', 'unrecognised option'],
    ['--shardsvr', 'unrecognised option'],
    ['--prot 1', 'unrecognised option'],
    ['data', 'positional'],
    ['--port', 'needs a value'],
    ['--quiet=yes', 'takes no value'],
    ['--port seven', '0 to 65535'],
    ['--port 65536', '0 to 65535'],
    ['--port -1', '0 to 65535'],
    ['--bind_ip ,', 'names no address'],
    ['--storageEngine mmapv1', 'unknown storage engine'],
    ['--storageEngine toString', 'unknown storage engine'],
    ['--setParameter ttlMonitorSleepSecs', 'name=value'],
    ['--setParameter ttlMonitorSleepSecs=0', 'Bad value'],
    ['--setParameter ttlMonitorEnabled=maybe', 'Bad value'],
    ['--setParameter ttlMonitorSleepSec=1', 'Unknown'],
    ['--setParameter constructor=1', 'Unknown'],
    ['--setParameter autoInitiate=true', 'needs --replSet'],
    ['provision --force', 'no options'],
  ])('%s', (line, reason) => {
    const error = refusal(line);
    expect(error.message).toContain(reason);
    expect(error).toMatchObject({ name: 'InvalidOptions', exitCode: 2 });
  });

  test('a parent that is no process number', () => {
    const error = refusal('', { MONGOD_DOCUMENTDB_EXIT_WITH_PARENT: 'yes' });
    expect(error.message).toContain('MONGOD_DOCUMENTDB_EXIT_WITH_PARENT');
  });
});

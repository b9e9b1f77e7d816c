import { describe, expect, it } from 'vitest';
import { backupUrlOf } from '../../src/backup/settings.ts';
import { loadConfig } from '../../src/config.ts';
import { generateKeyringSpec, SAMPLE_KEYRING } from '../../src/lib/keyring.ts';

const KEYRING = generateKeyringSpec();
const PRODUCTION = { NODE_ENV: 'production', KEYRING, MONGODB_URI: 'mongodb://db/roster' };

describe('the configuration of backups', () => {
  it('may be left out: then nothing is made by schedule', () => {
    expect(loadConfig(PRODUCTION)).toMatchObject({ BACKUP_SCHEDULE: '17 2 * * *' });
    expect(backupUrlOf(loadConfig(PRODUCTION))).toBeUndefined();
    expect(backupUrlOf(loadConfig({ DATA_DIRECTORY: '/srv/roster' }))).toBe('file:///srv/roster/backups');
  });

  it('is taken as it is given', () => {
    const BACKUP_URL = 's3://backups/roster?region=eu-central-1';
    const config = loadConfig({ ...PRODUCTION, BACKUP_URL, BACKUP_KEYS: generateKeyringSpec() });
    expect(backupUrlOf(config)).toBe(BACKUP_URL);
  });

  it.each([
    ['BACKUP_URL', '/srv/backups'],
    ['BACKUP_URL', 's3://id:secret@bucket'],
    ['BACKUP_KEYS', 'k1:abc'],
    ['BACKUP_KEYS', SAMPLE_KEYRING],
    ['BACKUP_KEYS', `other:${KEYRING.split(':')[1]}`],
    ['BACKUP_SCHEDULE', 'at night'],
  ])('refuses %s %s, and shows no key', (name, value) => {
    const load = () => loadConfig({ ...PRODUCTION, [name]: value });
    expect(load).toThrow(name);
    expect(load).not.toThrow(KEYRING.split(':')[1]);
  });
});

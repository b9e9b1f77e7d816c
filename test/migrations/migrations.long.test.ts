// Each migration that was ever shipped, the same as the newest ones are tried every day.
process.env['ROSTER_ALL_MIGRATIONS'] = '1';
await import('./migrations.test.ts');

import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { transaction } from '../../src/database.ts';
import { User } from '../../src/models/user.ts';
import { person } from '../helpers/people.ts';
import { restores, stateOf } from '../helpers/restores.ts';

const trial = restores();

it('restores', async () => {
  const ada = await person(trial.service);
  await trial.ship();
  await trial.backUp();
  const before = await stateOf(trial.source());
  await pause(5);
  const moment = new Date();
  await pause(5);
  await transaction((tx) => User.updateOne({ _id: ada.id }, { $set: { firstName: 'Later' } }, { session: tx }));
  const bob = await person(trial.service);
  const after = await stateOf(trial.source());
  await trial.ship();
  console.time('restore');
  const { db, report } = await trial.restored({ to: moment });
  console.timeEnd('restore');
  console.log(report);
  expect(await stateOf(db)).toEqual(before);
  const latest = await trial.restored();
  expect(await stateOf(latest.db)).toEqual(after);
  expect(bob).toBeDefined();
}, 120_000);

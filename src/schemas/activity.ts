import { Type } from 'typebox';
import { closed, named, ref } from './common.ts';

const count = (description: string) => Type.Integer({ minimum: 0, description });
const day = (description: string) => Type.String({ format: 'date', description, examples: ['2026-11-25'] });

export const ActivityDay = named(
  'ActivityDay',
  {
    day: day('In UTC.'),
    signUps: count('Accounts that signed up or were made by an admin; imported ones are not counted.'),
    signIns: count('Sessions that were opened.'),
    deletions: count('Accounts that were deleted.'),
    activeDay: count('Different accounts that signed in or refreshed a session; above 2,048 within 1 to 2 percent.'),
    activeWeek: count('The same in the 7 days that end with this one.'),
    activeMonth: count('The same in the 30 days that end with this one.'),
    complete: Type.Boolean({ description: 'False for a day that goes on.' }),
  },
  {
    description: 'What accounts did on one day.',
    examples: [
      {
        ...{ day: '2026-11-25', signUps: 12, signIns: 431, deletions: 1 },
        ...{ activeDay: 388, activeWeek: 902, activeMonth: 1640, complete: true },
      },
    ],
  },
);

export const Statistics = named('Statistics', {
  from: day('The first day that was asked for.'),
  to: day('The last one.'),
  items: Type.Array(ref(ActivityDay), { description: 'Oldest first. A day that was not counted is left out.' }),
});

export const StatisticsQuery = closed({
  from: Type.Optional(day('The first day; by default 29 days before the last.')),
  to: Type.Optional(day('The last day; by default today.')),
});

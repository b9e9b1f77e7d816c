import { Type } from 'typebox';
import { named } from './common.ts';

export const ProblemType = named(
  'ProblemType',
  {
    type: Type.String({ description: 'As in the problem documents.' }),
    code: Type.String(),
    status: Type.Integer(),
    title: Type.String(),
    help: Type.String({ description: 'What to do about it.' }),
  },
  { description: 'A kind of problem that a client can meet.' },
);

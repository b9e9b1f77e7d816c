import { Types } from 'mongoose';
import type { Role, UserStatus } from '../models/user.ts';

/** An account as it is stored, made up. */
export interface MadeUpAccount {
  readonly _id: Types.ObjectId;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly firstNameKey: string;
  readonly lastNameKey: string;
  readonly emailVerified: boolean;
  readonly status: UserStatus;
  readonly roles: Role[];
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly revision: number;
}

const FIRST_NAMES = [
  'Ada',
  'Alan',
  'Barbara',
  'Chinua',
  'Dorothy',
  'Edsger',
  'Frances',
  'Grace',
  'Katherine',
  'Niklaus',
];
const LAST_NAMES = [
  'Achebe',
  'Allen',
  'Dijkstra',
  'Hopper',
  'Johnson',
  'Liskov',
  'Lovelace',
  'Turing',
  'Vaughan',
  'Wirth',
];

const MINUTE_MS = 60_000;

const pick = (names: readonly string[], n: number): string => names[n % names.length] ?? '';

/** Most accounts are live ones, and each status, role and flag has some. */
function statusOf(n: number): UserStatus {
  if (n % 20 === 7) return 'deleted';
  if (n % 20 === 13) return 'suspended';
  return n % 10 === 4 ? 'inactive' : 'active';
}

/** The `n`th of accounts that were created a minute apart, the last of `count` just now. */
export function madeUpAccount(n: number, count: number): MadeUpAccount {
  const firstName = pick(FIRST_NAMES, n);
  const lastName = pick(LAST_NAMES, Math.floor(n / FIRST_NAMES.length));
  const at = new Date(Date.now() - (count - n) * MINUTE_MS);
  return {
    _id: new Types.ObjectId(),
    email: `${firstName}.${lastName}.${n}@made-up.example`.toLowerCase(),
    firstName,
    lastName,
    firstNameKey: firstName.toLowerCase(),
    lastNameKey: lastName.toLowerCase(),
    emailVerified: n % 3 !== 0,
    status: statusOf(n),
    roles: n % 50 === 0 ? ['user', 'support'] : ['user'],
    createdAt: at,
    updatedAt: at,
    revision: 1,
  };
}

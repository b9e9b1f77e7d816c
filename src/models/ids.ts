import { Types } from 'mongoose';

/** An id as stored, from one on the wire that a schema has checked. */
export const toId = (hex: string): Types.ObjectId => new Types.ObjectId(hex);

export const isId = (value: unknown): value is Types.ObjectId => value instanceof Types.ObjectId;

/** Whether a value is an id as the wire has it. */
export const isIdText = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{24}$/.test(value);

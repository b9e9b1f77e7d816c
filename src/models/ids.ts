import { Types } from 'mongoose';

/** An id as stored, from one on the wire that a schema has checked. */
export const toId = (hex: string): Types.ObjectId => new Types.ObjectId(hex);

export const isId = (value: unknown): value is Types.ObjectId => value instanceof Types.ObjectId;

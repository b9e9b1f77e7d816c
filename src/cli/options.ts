import { InvalidArgumentError } from 'commander';

/** For commander: the value of an option that counts something. */
export function positiveInteger(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('It must be a whole number from 1 up.');
  return Number(value);
}

import { EngineError } from './engine-error.ts';

/** Exit codes of mongod, which its callers look at. */
export const EXIT = {
  stopped: 0,
  failed: 1,
  badOptions: 2,
  engineEnded: 14,
  cannotListen: 48,
  unusableDataDirectory: 100,
} as const;

/** A reason not to start, with the name that mongod gives it and the code to exit with. */
export class StartError extends EngineError {
  override readonly name: string;
  readonly exitCode: number;

  constructor(name: string, message: string, exitCode: number) {
    super(message);
    this.name = name;
    this.exitCode = exitCode;
  }
}

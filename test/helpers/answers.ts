import type { LightMyRequestResponse as Response } from 'fastify';
import type { TestApp } from './app.ts';

/** Where answers are asked for and looked at. */
export interface World {
  readonly service: TestApp;
  /** Requests to one operation, by its name in the document. */
  see(operation: string, ...requests: Promise<Response>[]): Promise<Response[]>;
  get(url: string): Promise<Response>;
  post(url: string, body?: unknown, headers?: Record<string, string>): Promise<Response>;
}

import fp from 'fastify-plugin';
import mongoose from 'mongoose';
import type { App } from '../types/fastify.ts';

/** Measures every request by the template of its route: an id in a label would make a series for each account. */
async function metrics(app: App): Promise<void> {
  const { requestDuration, watchPool } = app.metrics;

  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'unmatched';
    requestDuration.observe({ method: request.method, route, status: reply.statusCode }, reply.elapsedTime / 1000);
    done();
  });

  // A database that is not there (when the OpenAPI document is written) has no pool.
  if (mongoose.connection.readyState !== mongoose.ConnectionStates.connected) return;
  const stop = watchPool(mongoose.connection.getClient());
  app.addHook('onClose', async () => stop());
}

export default fp(metrics, { name: 'metrics' });

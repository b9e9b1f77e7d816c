import type { MongoClient } from 'mongodb';

/** Whether the server is the stand-in that comes along where MongoDB cannot be downloaded. */
export async function isStandIn(client: MongoClient): Promise<boolean> {
  const { gitVersion } = await client.db('admin').command({ buildInfo: 1 });
  return gitVersion === 'mongod-documentdb';
}

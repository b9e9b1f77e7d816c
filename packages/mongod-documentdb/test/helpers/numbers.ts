import { MongoClient } from 'mongodb';

/** Connects to the replica set of one on `port`. */
async function withClient<T>(port: number, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const uri = `mongodb://127.0.0.1:${port}/?replicaSet=rs0`;
  const client = await new MongoClient(uri, { serverSelectionTimeoutMS: 5000 }).connect();
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

const collection = (client: MongoClient) => client.db('kept').collection<{ n: number }>('numbers');

export async function insertNumber(port: number, n: number): Promise<void> {
  await withClient(port, (client) => collection(client).insertOne({ n }));
}

export async function readNumbers(port: number): Promise<number[]> {
  const documents = await withClient(port, (client) => collection(client).find().toArray());
  return documents.map(({ n }) => n);
}

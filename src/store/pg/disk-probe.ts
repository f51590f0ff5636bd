import type pg from 'pg';

/**
 * Has PostgreSQL write a temporary file of about 200 KB, which it removes again. This is the one way to learn that
 * the disk of a server elsewhere is full: reads, and updates within a page, succeed there.
 *
 * @throws error of PostgreSQL with the code 53100 if its disk is full
 */
export async function probeDisk(pool: pg.Pool): Promise<void> {
  const connection = await pool.connect();
  try {
    await connection.query('begin');
    await connection.query("set local work_mem = '64kB'");
    await connection.query(
      'select max(n) from (select n from generate_series(1, 4000) as n order by md5(n::text)) as q',
    );
    await connection.query('rollback');
    connection.release();
  } catch (error) {
    // The connection is replaced: this also ends the transaction.
    connection.release(true);
    // The installation limits temporary files: nothing is known then.
    if ((error as { code?: string }).code !== '53400') throw error;
  }
}

// The same test as among the processes, with more kills.
process.env.ARGOT_STORE_KILLS = '200';
await import('../processes/store.test.ts');

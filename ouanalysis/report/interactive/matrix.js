// Matrices of a few rows.

const matrix = (() => {
  // The inverse of a small matrix, by Gauss and Jordan with row exchanges; null where it is singular.
  function inverse(square) {
    const m = square.length;
    const rows = square.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
    for (let i = 0; i < m; i++) {
      let pivot = i;
      for (let j = i + 1; j < m; j++) if (Math.abs(rows[j][i]) > Math.abs(rows[pivot][i])) pivot = j;
      if (rows[pivot][i] === 0) return null;
      [rows[i], rows[pivot]] = [rows[pivot], rows[i]];
      const scale = rows[i][i];
      rows[i] = rows[i].map((entry) => entry / scale);
      for (let j = 0; j < m; j++) {
        const times = rows[j][i];
        if (j !== i && times !== 0) rows[j] = rows[j].map((entry, k) => entry - times * rows[i][k]);
      }
    }
    return rows.map((row) => row.slice(m));
  }

  const times = (rows, vector) => rows.map((row) => row.reduce((sum, entry, i) => sum + entry * vector[i], 0));

  return { inverse, times };
})();

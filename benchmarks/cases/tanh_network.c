/* h(x) = sum_j c_j tanh(w_j'x), theta = (c, W), M neurons, x in R^D, one of N data a step. */

#include "../draws.h"
#include <string.h>

enum { P = M * (D + 1) };

void run(double *theta, const double *x, const double *y, double lr, double std, long chains, long steps, uint64_t seed)
{
    fill_layers();
#pragma omp parallel for
    for (long chain = 0; chain < chains; chain++) {
        Stream g = stream_of(seed, chain);
        double t[P], phi[M], *c = t, (*W)[D] = (double(*)[D])(t + M);
        memcpy(t, theta + chain * P, sizeof t);
        for (long step = 0; step < steps; step++) {
            long i = below(&g, N);
            const double *at = x + i * D;
            double value = 0;
            for (int j = 0; j < M; j++) {
                double z = 0;
#pragma omp simd reduction(+ : z)
                for (int k = 0; k < D; k++)
                    z += W[j][k] * at[k];
                phi[j] = tanh(z);
                value += c[j] * phi[j];
            }
            double scale = 2 * lr * (value - y[i] - std * normal(&g));
            for (int j = 0; j < M; j++) {
                double back = scale * c[j] * (1 - phi[j] * phi[j]);
                for (int k = 0; k < D; k++)
                    W[j][k] -= back * at[k];
                c[j] -= scale * phi[j];
            }
        }
        memcpy(theta + chain * P, t, sizeof t);
    }
}

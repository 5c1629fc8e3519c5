/* h(x) = <u*u - v*v, x>, theta = (u, v), x in R^D; all N data a step, each label noised. */

#include "../draws.h"
#include <string.h>

void run(double *theta, const double *x, const double *y, double lr, double std, long chains, long steps, uint64_t seed)
{
    fill_layers();
#pragma omp parallel for
    for (long chain = 0; chain < chains; chain++) {
        Stream g = stream_of(seed, chain);
        double u[D], v[D], beta[D], back[D];
        memcpy(u, theta + chain * 2 * D, sizeof u);
        memcpy(v, theta + chain * 2 * D + D, sizeof v);
        for (long step = 0; step < steps; step++) {
            for (int k = 0; k < D; k++)
                beta[k] = u[k] * u[k] - v[k] * v[k];
            memset(back, 0, sizeof back);
            for (int i = 0; i < N; i++) {
                const double *at = x + i * D;
                double value = 0;
#pragma omp simd reduction(+ : value)
                for (int k = 0; k < D; k++)
                    value += beta[k] * at[k];
                double residual = value - y[i] - std * normal(&g);
                for (int k = 0; k < D; k++)
                    back[k] += residual * at[k];
            }
            for (int k = 0; k < D; k++) {
                u[k] -= 4 * lr / N * back[k] * u[k];
                v[k] += 4 * lr / N * back[k] * v[k];
            }
        }
        memcpy(theta + chain * 2 * D, u, sizeof u);
        memcpy(theta + chain * 2 * D + D, v, sizeof v);
    }
}

/* h(U) = <A_i, U U'>, U (D, D), one datum a step: theta (chains, D*D) takes its steps in place. */

#include "../draws.h"
#include <stdlib.h>
#include <string.h>

static double symmetric[N][D * D];

static inline double value_and_gradient(const double *restrict S, const double *restrict U, double *restrict G)
{
    double value = 0;
    for (int row = 0; row < D; row++) {
        double out[D] = {0};
        for (int column = 0; column < D; column++)
            for (int k = 0; k < D; k++)
                out[k] += S[row * D + column] * U[column * D + k];
        memcpy(G + row * D, out, sizeof out);
    }
#pragma omp simd reduction(+ : value)
    for (int j = 0; j < D * D; j++)
        value += G[j] * U[j];
    return value / 2;
}

void run(double *theta, const double *x, const double *y, double lr, double std, long chains, long steps, uint64_t seed)
{
    fill_layers();
    for (int i = 0; i < N; i++)
        for (int j = 0; j < D; j++)
            for (int k = 0; k < D; k++)
                symmetric[i][j * D + k] = x[(i * D + j) * D + k] + x[(i * D + k) * D + j];
#pragma omp parallel for
    for (long chain = 0; chain < chains; chain++) {
        Stream g = stream_of(seed, chain);
        double U[D * D], G[D * D];
        memcpy(U, theta + chain * D * D, sizeof U);
        for (long step = 0; step < steps; step++) {
            long i = below(&g, N);
            double scale = 2 * lr * (value_and_gradient(symmetric[i], U, G) - y[i] - std * normal(&g));
            for (int j = 0; j < D * D; j++)
                U[j] -= scale * G[j];
        }
        memcpy(theta + chain * D * D, U, sizeof U);
    }
}

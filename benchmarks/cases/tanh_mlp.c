/* h(x) = c'tanh(V tanh(W x + b)) + e, theta = (W, b, V, c, e), x in R^D, M and M neurons; all N data a step. */

#include "../draws.h"
#include <string.h>

typedef struct {
    double W[M][D], b[M], V[M][M], c[M], e;
} Theta;

static double value_and_gradient(const Theta *restrict t, const double *restrict x, Theta *restrict g)
{
    double first[M], back[M] = {0}, value = t->e;
    for (int j = 0; j < M; j++) {
        double z = t->b[j];
        for (int k = 0; k < D; k++)
            z += t->W[j][k] * x[k];
        first[j] = tanh(z);
    }
    for (int l = 0; l < M; l++) {
        double z = 0;
#pragma omp simd reduction(+ : z)
        for (int j = 0; j < M; j++)
            z += t->V[l][j] * first[j];
        double second = tanh(z), slope = t->c[l] * (1 - second * second);
        value += t->c[l] * second;
        g->c[l] = second;
        for (int j = 0; j < M; j++) {
            g->V[l][j] = slope * first[j];
            back[j] += slope * t->V[l][j];
        }
    }
    for (int j = 0; j < M; j++) {
        g->b[j] = back[j] * (1 - first[j] * first[j]);
        for (int k = 0; k < D; k++)
            g->W[j][k] = g->b[j] * x[k];
    }
    g->e = 1;
    return value;
}

void run(double *theta, const double *x, const double *y, double lr, double std, long chains, long steps, uint64_t seed)
{
    enum { P = sizeof(Theta) / sizeof(double) };
    fill_layers();
#pragma omp parallel for
    for (long chain = 0; chain < chains; chain++) {
        Stream g = stream_of(seed, chain);
        Theta t, gradient;
        double *flat = (double *)&t, *of_one = (double *)&gradient, sum[P];
        memcpy(flat, theta + chain * P, sizeof t);
        for (long step = 0; step < steps; step++) {
            memset(sum, 0, sizeof sum);
            for (int i = 0; i < N; i++) {
                double residual = value_and_gradient(&t, x + i * D, &gradient) - y[i] - std * normal(&g);
                for (int k = 0; k < P; k++)
                    sum[k] += residual * of_one[k];
            }
            for (int k = 0; k < P; k++)
                flat[k] -= 2 * lr / N * sum[k];
        }
        memcpy(theta + chain * P, flat, sizeof t);
    }
}

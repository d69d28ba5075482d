using System.Collections.Generic;

namespace Thomas.Tests.Harness;

/// <summary>Twenty recorded steps of one optimizer, the four batches one after the other and round again, gradients averaged over the batch.</summary>
/// <param name="Optimizer">Its rule in words.</param>
/// <param name="Rate">Its constant learning rate.</param>
/// <param name="Loss">Loss of each step's batch before the step, computed in float64.</param>
/// <param name="Float32Loss">The same computed by PyTorch in float32: what rounding alone does to the curve.</param>
/// <param name="ParameterNorm">Norm of each trained tensor after the last step.</param>
/// <param name="Running">
/// Running means and variances after the last step. PyTorch's rule: r = 0.9 * r + 0.1 * s, where s is the batch's mean, or its variance with n - 1 in the
/// denominator (while the batch is normalized by the variance with n). Epsilon is 1e-5.
/// </param>
internal sealed record TorchRun(
    string Optimizer,
    double Rate,
    double[] Loss,
    double[] Float32Loss,
    IReadOnlyDictionary<string, double> ParameterNorm,
    IReadOnlyDictionary<string, double[]> Running);

using Thomas.Graphs;

namespace Thomas.Tests.Harness;

/// <summary>A tensor of a recorded network.</summary>
/// <param name="Name">Its name in PyTorch's state_dict.</param>
/// <param name="Shape">Its shape in PyTorch's layout.</param>
/// <param name="IsTrained">False for running means and variances.</param>
/// <param name="Crc32">CRC-32 of its first value as little-endian float32.</param>
internal sealed record TorchTensor(string Name, Shape Shape, bool IsTrained, uint Crc32);

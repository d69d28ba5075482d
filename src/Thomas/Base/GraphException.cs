namespace Thomas;

/// <summary>A node cannot be added to a graph: wrong operand count, rank, size or attribute. The message names the operator, the node and the shapes.</summary>
/// <param name="message">What is wrong and where.</param>
public sealed class GraphException(string message) : ThomasException(message);

using Thomas.Graphs;

namespace Thomas.Planning;

/// <summary>
/// What planning asks of the devices that nodes are placed on. A place is a device's number in a compiled graph; place 0 is the device that was asked for,
/// whose memory has the graph's inputs and variables.
/// </summary>
internal interface IPlaces
{
    /// <summary>How many there are.</summary>
    int Count { get; }

    /// <summary>Name of the device.</summary>
    string NameOf(int place);

    /// <summary>What offsets of values in its memory are multiples of: a power of 2, in bytes.</summary>
    long AlignmentOf(int place);

    /// <summary>Whether the node's kernel may write its first result over an operand that dies with it.</summary>
    bool CanOverwrite(Node node, int input);

    /// <summary>Whether the device has kernels that convert float32 numbers to a type and back.</summary>
    bool Converts(int place, DType type);

    /// <summary>Whether the node's kernel reads an operand as well where it is kept in 16 bits.</summary>
    bool ReadsKept(Node node, int input);

    /// <summary>Scratch bytes of the kernel of a node that was not there, or had other operands, when kernels were chosen.</summary>
    long WorkspaceBytes(Node node);

    /// <summary>Predicted time of the node where it is placed.</summary>
    double Seconds(Node node);
}

namespace Thomas;

/// <summary>What an 8-bit <c>.tflite</c> file takes and gives.</summary>
public enum IntegerEnds
{
    /// <summary>float32, as the file of the float network: no program that uses it needs a change.</summary>
    Float,

    /// <summary>Signed 8-bit integers on the grids of input and output, as microcontrollers and accelerators want them.</summary>
    Int8,

    /// <summary>Unsigned 8-bit integers, as older programs feed the bytes of an image.</summary>
    UInt8,
}

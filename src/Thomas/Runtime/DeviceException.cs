namespace Thomas.Runtime;

/// <summary>A device that is not the host cannot do what was asked of it: the host still can.</summary>
/// <param name="message">What happened.</param>
internal class DeviceException(string message) : ThomasException(message);

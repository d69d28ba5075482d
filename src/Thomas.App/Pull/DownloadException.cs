using System;

namespace Thomas.App.Pull;

/// <summary>A file could not be downloaded, or what came is not what was promised.</summary>
internal sealed class DownloadException(string message, Exception? innerException = null) : ThomasException(message, innerException);

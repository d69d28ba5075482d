namespace Thomas.Studio;

/// <summary>What this build of the program has.</summary>
internal static class Capabilities
{
    /// <summary>Why a build without system libraries has neither TLS nor downloads.</summary>
    public const string NoTls = "This build of thomas uses no system libraries, so it has no TLS. Use a build that has it, or reach the studio through a "
        + "tunnel such as 'ssh -L'.";

    /// <summary>Why a system has no downloads.</summary>
    public const string NoOpenSsl = "Downloading needs OpenSSL (libssl), which this system does not have.";
}

using System.CommandLine;
using System.Net;

namespace Thomas.Cli.Options;

/// <summary>Where the studio can be reached.</summary>
internal sealed class ListenOption
{
    private const int UsualPort = 5480;

    private readonly Option<int?> _port = Parse.Number("--port", $"Port of the studio; 0 takes any that is free (default {UsualPort})", 0, 65_535);
    private readonly Option<IPEndPoint> _listen = Listen();

    public void AddTo(Command command)
    {
        command.Add(_port);
        command.Add(_listen);
    }

    /// <summary>The address for other devices, null for this device alone; and the port.</summary>
    /// <exception cref="UsageException">The port is given twice.</exception>
    public (IPAddress? Address, int Port) Read(ParseResult parsed)
    {
        IPEndPoint? listen = parsed.GetValue(_listen);
        int? port = parsed.GetValue(_port);
        if (listen is not { Port: > 0 }) return (listen?.Address, port ?? UsualPort);
        if (port is null) return (listen.Address, listen.Port);
        throw new UsageException("The port is given twice, by --port and behind the address of --listen.");
    }

    private static Option<IPEndPoint> Listen()
    {
        Option<IPEndPoint> option = new("--listen")
        {
            Description = "Let other devices reach the studio at this address of the device, over TLS with a certificate of its own, for whoever has the token "
                + "(default: this device alone); 0.0.0.0 stands for all addresses",
            HelpName = "address[:port]",
        };
        option.CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            bool isAddress = text.Contains('.', System.StringComparison.Ordinal) || text.Contains(':', System.StringComparison.Ordinal);
            if (isAddress && IPEndPoint.TryParse(text, out IPEndPoint? address)) return address;
            result.AddError($"--listen is '{text}'; it must be an address of this device such as 192.168.1.20 or [fe80::1], with or without a port.");
            return null;
        };
        return option;
    }
}

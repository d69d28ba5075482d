using System;
using System.Buffers;
using System.Collections.Generic;
using System.CommandLine;
using System.Globalization;
using System.IO;
using Thomas.App;
using Thomas.App.Pull;
using Thomas.App.Reports;
using Thomas.Cli.Options;
using Thomas.Cli.Output;

namespace Thomas.Cli.Commands;

/// <summary><c>thomas pull</c>: a stock model from its publisher, checked. The only command that uses the network.</summary>
internal sealed class PullCommand
{
    private const int HexDigits = 64;
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdef");

    private readonly Terminal _terminal;
    private readonly Argument<string?> _source = new("name|url")
    {
        Description = "A name that --list shows, or an https address",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<string> _sum = new("--sha256") { Description = "The file's SHA-256, which an address needs", HelpName = "hex" };
    private readonly Option<string> _output = new("--output", "-o")
    {
        Description = "The file to write (default: the model's name, in this folder)",
        HelpName = "file",
    };
    private readonly Option<bool> _list = new("--list") { Description = "List the models that have names, with their licenses; does not use the network" };
    private readonly Option<long?> _limit = Parse.Size("--max-size", "A larger file is refused (default 1GiB)");

    private PullCommand(Terminal terminal) => _terminal = terminal;

    public static Command Create(Terminal terminal)
    {
        Command command = new("pull", "Download a stock model from its publisher and check it; the only command that uses the network");
        PullCommand pull = new(terminal);
        command.Add(pull._source);
        command.Add(pull._sum);
        command.Add(pull._output);
        command.Add(pull._list);
        command.Add(pull._limit);
        pull._source.CompletionSources.Add(static _ =>
        {
            List<System.CommandLine.Completions.CompletionItem> names = [];
            foreach (StockModel model in StockCatalog.Models) names.Add(new(model.Name));
            return names;
        });
        terminal.Bind(command, pull.Run);
        return command;
    }

    private int Run(ParseResult parsed)
    {
        string? source = parsed.GetValue(_source);
        if (parsed.GetValue(_list)) return source is null ? List() : throw new UsageException("--list shows all models; leave the name out.");
        if (source is null) throw new UsageException("Give the name of a model ('thomas pull --list' shows them), or an address with --sha256.");
        (DownloadOptions options, StockModel? model) = Read(parsed, source);
        if (Build.IsStatic)
        {
            throw new DownloadException(
                $"This build cannot load libraries, so it has no TLS and downloads nothing. Fetch {options.Address.AbsoluteUri} with another program; its "
                + $"SHA-256 is {options.Sha256}.");
        }

        if (model is not null)
        {
            _terminal.Note($"{model.Name}: {model.Description}");
            _terminal.Note($"license {model.License}, as its publisher {model.Repository} gives it");
        }

        DownloadResult result;
        try
        {
            result = ProgressDisplay.Run(
                _terminal, [], progress => Download.RunAsync(options, progress, handler: null, _terminal.Cancellation).GetAwaiter().GetResult());
        }
        catch (OperationCanceledException)
        {
            string part = options.Output + ".part";
            _terminal.Complain(File.Exists(part)
                ? $"cancelled; {Format.Bytes(new FileInfo(part).Length)} are kept in {part}, and the same command goes on from there"
                : "cancelled; nothing was written");
            return ExitCode.Cancelled;
        }

        if (_terminal.Json)
        {
            PullReport report = new(
                options.Output, options.Address.AbsoluteUri, options.Sha256, result.Bytes, result.ResumedAt, result.WasThere,
                model is null ? null : Describe(model));
            _terminal.WriteJson(report, ReportJson.Default.PullReport);
            return ExitCode.Success;
        }

        string resumed = result.ResumedAt > 0 ? $", {Format.Bytes(result.ResumedAt)} of it by an earlier run" : "";
        string saved = $"{Format.Name(options.Output)} ({Format.Bytes(result.Bytes)}{resumed}), its SHA-256 is right";
        _terminal.Field(result.WasThere ? "there already" : "saved", saved);
        if (model is not null)
        {
            _terminal.Field("license", model.License);
            _terminal.Field("try it", string.Format(CultureInfo.InvariantCulture, model.Use, Format.Name(options.Output)));
        }

        return ExitCode.Success;
    }

    private (DownloadOptions Options, StockModel? Model) Read(ParseResult parsed, string source)
    {
        string? sum = parsed.GetValue(_sum)?.ToLowerInvariant(), output = parsed.GetValue(_output);
        if (sum is not null && (sum.Length != HexDigits || sum.AsSpan().ContainsAnyExcept(Hex)))
        {
            throw new UsageException($"--sha256 is '{sum}'; it must be {HexDigits} hexadecimal digits.");
        }

        long limit = parsed.GetValue(_limit) ?? 1L << 30;
        if (StockCatalog.Find(source) is StockModel model)
        {
            if (sum is not null && sum != model.Sha256) throw new UsageException($"--sha256 is {sum}, but {model.Name} has {model.Sha256}; leave it out.");
            return (new DownloadOptions(model.Address, model.Sha256, output ?? model.FileName) { Bytes = model.Bytes, MaximumBytes = limit }, model);
        }

        if (!Uri.TryCreate(source, UriKind.Absolute, out Uri? address) || (address.Scheme != Uri.UriSchemeHttps && address.Scheme != Uri.UriSchemeHttp))
        {
            throw new UsageException(
                $"'{source}' is neither the name of a model ('thomas pull --list' shows them) nor an address that begins with https:// or http://.");
        }

        if (sum is null)
        {
            throw new UsageException(
                "An address needs --sha256, so that the file is surely the one that you mean. Its publisher may name it; for a file that you have, sha256sum "
                + "prints it.");
        }

        string name = Path.GetFileName(Uri.UnescapeDataString(address.AbsolutePath));
        if (output is null && Array.Exists(name.ToCharArray(), char.IsControl))
        {
            throw new UsageException("The name that the address ends in has control characters; give another one with -o.");
        }

        output ??= name;
        if (output is "" or "." or "..") throw new UsageException("The address does not end in the name of a file; give one with -o.");
        return (new DownloadOptions(address, sum, output) { MaximumBytes = limit }, null);
    }

    private int List()
    {
        if (_terminal.Json)
        {
            List<StockModelReport> models = [];
            foreach (StockModel model in StockCatalog.Models) models.Add(Describe(model));
            _terminal.WriteJson(new StockModelsReport(models), ReportJson.Default.StockModelsReport);
            return ExitCode.Success;
        }

        foreach (StockModel model in StockCatalog.Models)
        {
            string size = model.Bytes is long bytes ? $", {Format.Bytes(bytes)}" : "";
            _terminal.Say($"{model.Name}");
            _terminal.Say($"    {model.Description}");
            _terminal.Say($"    {model.License}, {model.Repository}{size}");
        }

        _terminal.Note("note: the licenses are those that the publishers give");
        return ExitCode.Success;
    }

    private static StockModelReport Describe(StockModel model) => new(
        model.Name, model.FileName, model.Description, model.License, model.Repository, model.Commit, model.Path, model.Address.AbsoluteUri, model.Sha256,
        model.Bytes);
}

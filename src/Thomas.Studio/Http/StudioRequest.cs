using System;
using System.Buffers;
using System.Globalization;
using System.IO;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

namespace Thomas.Studio.Http;

/// <summary>A request under way, with the parts of its path that a route has named.</summary>
internal sealed class StudioRequest(HttpContext context, string[] parts, int jsonBytes)
{
    private const int PieceBytes = 64 << 10;

    private static readonly TimeSpan LongestBody = TimeSpan.FromMinutes(10);

    /// <summary>Canceled when the client has gone or the server ends.</summary>
    public CancellationToken Aborted => context.RequestAborted;

    public HttpResponse Response => context.Response;

    /// <summary>A part of the path, from 0: <c>/api/projects/ID</c> has ID as part 0.</summary>
    public string Part(int index) => parts[index];

    /// <summary>A parameter of the query; null where it is missing.</summary>
    /// <exception cref="StudioException">It is there twice.</exception>
    public string? Query(string name)
    {
        StringValues values = context.Request.Query[name];
        return values.Count <= 1 ? (string?)values : throw StudioException.Bad($"'{name}' is given twice.");
    }

    /// <summary>A whole number of the query.</summary>
    /// <exception cref="StudioException">It is not one, or out of its range.</exception>
    public long Number(string name, long usual, long least, long most)
    {
        if (Query(name) is not string text) return usual;
        if (long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long value) && value >= least && value <= most) return value;
        throw StudioException.Bad(string.Create(CultureInfo.InvariantCulture, $"'{name}' must be a whole number from {least} to {most}."));
    }

    /// <summary>The body as JSON.</summary>
    /// <exception cref="StudioException">It is too long or no such JSON.</exception>
    public async Task<T> ReadJson<T>(JsonTypeInfo<T> type)
        where T : class
    {
        byte[] body = await ReadBody(jsonBytes, ErrorCode.TooLarge);
        try
        {
            return JsonSerializer.Deserialize(body, type) ?? throw StudioException.Bad("The body is 'null'.");
        }
        catch (JsonException e)
        {
            throw StudioException.Bad($"The body is not the JSON that is wanted here: {e.Message}");
        }
    }

    /// <summary>The whole body, at most so long.</summary>
    /// <exception cref="StudioException">It is longer, or ends too early.</exception>
    public async Task<byte[]> ReadBody(int most, ErrorCode code)
    {
        using MemoryStream body = new(context.Request.ContentLength is long length && length <= most ? (int)length : 0);
        await CopyBody(body, most, code);
        return body.Length == body.Capacity ? body.GetBuffer() : body.ToArray();
    }

    /// <summary>Copies the body, at most so long.</summary>
    /// <exception cref="StudioException">It is longer, ends too early, or takes too long.</exception>
    public async Task CopyBody(Stream to, long most, ErrorCode code)
    {
        if (context.Request.ContentLength > most) throw StudioException.TooLarge(most, code);
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        using CancellationTokenSource end = CancellationTokenSource.CreateLinkedTokenSource(Aborted);
        end.CancelAfter(LongestBody);
        try
        {
            long read = 0;
            int count;
            while ((count = await context.Request.Body.ReadAsync(piece, end.Token)) > 0)
            {
                read += count;
                if (read > most) throw StudioException.TooLarge(most, code);
                await to.WriteAsync(piece.AsMemory(0, count), end.Token);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }

    /// <summary>Answers with JSON.</summary>
    public Task Reply<T>(T value, JsonTypeInfo<T> type, int status = StatusCodes.Status200OK) => Reply(context.Response, value, type, status);

    /// <summary>Answers with JSON.</summary>
    public static Task Reply<T>(HttpResponse response, T value, JsonTypeInfo<T> type, int status)
    {
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        return Reply(response, json, "application/json; charset=utf-8", status);
    }

    /// <summary>Answers with text.</summary>
    public Task ReplyText(string text) => Reply(context.Response, Encoding.UTF8.GetBytes(text), "text/plain; charset=utf-8", StatusCodes.Status200OK);

    /// <summary>Answers with bytes.</summary>
    public Task ReplyBytes(ReadOnlyMemory<byte> bytes, string type) => Reply(context.Response, bytes, type, StatusCodes.Status200OK);

    /// <summary>Answers that it is done.</summary>
    public Task ReplyDone(int status = StatusCodes.Status204NoContent)
    {
        context.Response.StatusCode = status;
        return Task.CompletedTask;
    }

    private static async Task Reply(HttpResponse response, ReadOnlyMemory<byte> bytes, string type, int status)
    {
        response.StatusCode = status;
        response.ContentType = type;
        response.ContentLength = bytes.Length;
        await response.Body.WriteAsync(bytes, response.HttpContext.RequestAborted);
    }
}

// Replaces system calls of a statically linked program by the answer "not implemented": dotnet run eng/PatchSystemCalls.cs -- FILE EXPECTED
//
// The C library registers lists of locks (set_robust_list) and restartable sequences (rseq) for each thread, and starts threads by clone3, all while signals
// are blocked. Android's filter for apps refuses these calls by a signal, which then ends the program. The library does without all three where the kernel does
// not have them: it starts threads by clone, and never asks again for what was refused to the first thread. So that is what it is told, without asking the
// kernel. Success would be a lie that it acts on: it would read the number of the processor from where the kernel never writes it.
//
// Only code is looked at. On arm64 every instruction is a word, and the call's number is followed back through them. On x64 the number is loaded at most 40
// bytes before the call; eng/static checks the result in the disassembly on both. The program fails unless there are as many calls as EXPECTED says, one number
// for each of set_robust_list, rseq and clone3: 3,2,1.
#:property PublishAot=false
#:property RestorePackagesWithLockFile=false

using System;
using System.Buffers.Binary;
using System.Collections.Generic;
using System.IO;
using System.Text;

if (args.Length != 2)
{
    Console.Error.WriteLine("usage: dotnet run eng/PatchSystemCalls.cs -- FILE EXPECTED, as 3,2,1 for set_robust_list, rseq and clone3");
    return 2;
}

byte[] file = File.ReadAllBytes(args[0]);
if (!file.AsSpan().StartsWith((ReadOnlySpan<byte>)[0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1])) return Fail("no 64-bit little-endian ELF file");
int machine = BinaryPrimitives.ReadUInt16LittleEndian(file.AsSpan(18));
(string Name, int Number)[] calls = machine switch
{
    62 => [("set_robust_list", 273), ("rseq", 334), ("clone3", 435)],
    183 => [("set_robust_list", 99), ("rseq", 293), ("clone3", 435)],
    _ => [],
};
if (calls.Length == 0) return Fail($"machine {machine} is neither x86-64 nor arm64");

int[] found = new int[calls.Length];
foreach ((string name, int start, int length) in CodeSections(file))
{
    foreach (int call in machine == 62 ? PatchX64(file, start, length, calls) : PatchArm64(file, start, length, calls))
    {
        found[call]++;
        Console.WriteLine($"{calls[call].Name} in {name} answers ENOSYS");
    }
}

string counts = string.Join(',', found);
if (counts != args[1]) return Fail($"{counts} calls of {calls[0].Name}, {calls[1].Name}, {calls[2].Name} were found, but {args[1]} expected");
File.WriteAllBytes(args[0], file);
return 0;

int Fail(string why)
{
    Console.Error.WriteLine($"{args[0]}: {why}; nothing is changed");
    return 1;
}

// The sections of machine code, but for the compiled C#, which makes no system calls itself.
static List<(string Name, int Start, int Length)> CodeSections(byte[] file)
{
    const int Executable = 4, NoBits = 8;
    ReadOnlySpan<byte> elf = file;
    int table = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf[40..]), entry = BinaryPrimitives.ReadUInt16LittleEndian(elf[58..]);
    int count = BinaryPrimitives.ReadUInt16LittleEndian(elf[60..]), names = BinaryPrimitives.ReadUInt16LittleEndian(elf[62..]);
    int text = (int)BinaryPrimitives.ReadUInt64LittleEndian(elf[(table + (names * entry) + 24)..]);
    List<(string, int, int)> sections = [];
    for (int i = 0; i < count; i++)
    {
        ReadOnlySpan<byte> header = elf.Slice(table + (i * entry), entry);
        bool isCode = (BinaryPrimitives.ReadUInt64LittleEndian(header[8..]) & Executable) != 0;
        if (!isCode || BinaryPrimitives.ReadUInt32LittleEndian(header[4..]) == NoBits) continue;
        ReadOnlySpan<byte> name = elf[(text + (int)BinaryPrimitives.ReadUInt32LittleEndian(header))..];
        string title = Encoding.ASCII.GetString(name[..name.IndexOf((byte)0)]);
        if (title == "__managedcode") continue;
        sections.Add((title, (int)BinaryPrimitives.ReadUInt64LittleEndian(header[24..]), (int)BinaryPrimitives.ReadUInt64LittleEndian(header[32..])));
    }

    return sections;
}

// svc #0 becomes mov x0, #-38.
static List<int> PatchArm64(byte[] file, int start, int length, (string Name, int Number)[] calls)
{
    const uint Call = 0xD4000001, Answer = 0x928004A0;
    List<int> patched = [];
    Span<byte> code = file.AsSpan(start, length);
    for (int at = 0; at + 4 <= length; at += 4)
    {
        if (BinaryPrimitives.ReadUInt32LittleEndian(code[at..]) != Call) continue;
        int call = Array.FindIndex(calls, c => c.Number == NumberBefore(file.AsSpan(start, at)));
        if (call < 0) continue;
        BinaryPrimitives.WriteUInt32LittleEndian(code[at..], Answer);
        patched.Add(call);
    }

    return patched;
}

// The constant in x8 at the end of a piece of code; -1 if it is none. A call, return or jump ends the search, as does any other instruction that may set x8.
static int NumberBefore(ReadOnlySpan<byte> code)
{
    const uint Register = 8, MostInstructions = 64;
    for (int i = 1; i <= MostInstructions && i * 4 <= code.Length; i++)
    {
        uint word = BinaryPrimitives.ReadUInt32LittleEndian(code[^(i * 4)..]);
        if ((word & 0x7FE0001F) == (0x52800000 | Register)) return (int)((word >> 5) & 0xFFFF);

        // b, bl; br, blr, ret; exceptions such as another svc.
        bool isJump = (word & 0x7C000000) == 0x14000000 || (word & 0xFE000000) == 0xD6000000 || (word & 0xFF000000) == 0xD4000000;
        bool isStore = (word & 0x0A000000) == 0x08000000 && (word & 0x00400000) == 0;
        bool isBranch = (word & 0xFE000000) == 0x54000000 || (word & 0x7C000000) == 0x34000000;
        if (isJump || (!isStore && !isBranch && (word & 31) == Register)) return -1;
    }

    return -1;
}

// mov eax, NUMBER becomes mov eax, -38, and syscall what extends its sign to all of rax.
static List<int> PatchX64(byte[] file, int start, int length, (string Name, int Number)[] calls)
{
    const int Farthest = 40;
    List<int> patched = [];
    Span<byte> code = file.AsSpan(start, length);
    for (int at = 0; at + 5 <= length; at++)
    {
        if (code[at] != 0xB8) continue;
        int number = BinaryPrimitives.ReadInt32LittleEndian(code[(at + 1)..]), call = Array.FindIndex(calls, c => c.Number == number);
        int distance = call < 0 ? -1 : code.Slice(at + 5, Math.Min(Farthest, length - at - 5)).IndexOf([(byte)0x0F, (byte)0x05]);
        if (distance < 0) continue;
        BinaryPrimitives.WriteInt32LittleEndian(code[(at + 1)..], -38);
        (code[at + 5 + distance], code[at + 6 + distance]) = (0x48, 0x98);
        patched.Add(call);
    }

    return patched;
}

package org.thomas.studio;

import android.content.ClipData;
import android.content.Context;
import android.content.Intent;
import android.net.Uri;
import android.os.Looper;
import android.webkit.PermissionRequest;
import android.webkit.WebChromeClient.FileChooserParams;
import android.webkit.WebView;
import android.widget.TextView;
import android.widget.Toast;
import java.io.File;
import java.io.IOException;
import java.lang.reflect.Field;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Runs the shell's code on classes that stand in for Android's, with the real program. Arguments: the program, and a folder for the tests. */
final class ShellTests {
    private static final int OK = -1, CANCELED = 0, FILES = 0, SAVE = 1, ONE = 0, SEVERAL = 1;

    private static Path program, folder;
    private static int count;

    private interface Test {
        void run() throws Exception;
    }

    public static void main(String[] args) throws Exception {
        program = Path.of(args[0]).toAbsolutePath();
        folder = Path.of(args[1]).toAbsolutePath();
        Context.folder = folder.toFile();
        Context.INFO.nativeLibraryDir = folder.resolve("lib").toString();
        Files.createDirectories(folder.resolve("lib"));
        Files.createDirectories(folder.resolve("cache"));
        Files.createDirectories(data());
        try {
            all();
        } catch (Throwable e) {
            e.printStackTrace();
            ProcessHandle.current().descendants().forEach(ProcessHandle::destroy);
            System.exit(1);
        }
    }

    private static void all() throws Exception {
        test("what the program says is shown when it fails", ShellTests::failure);
        test("a program that cannot be started is named", ShellTests::missing);
        test("the page opens at the program's address", ShellTests::open);
        test("the battery is known to the program", ShellTests::battery);
        test("only the program's own addresses are loaded", ShellTests::addresses);
        test("the camera is for the own page, after the user agreed", ShellTests::camera);
        test("files are chosen for the page", ShellTests::files);
        test("exports are saved, and nothing else", ShellTests::save);
        test("the screen stays on during runs", ShellTests::screen);
        test("back leaves at the first page", ShellTests::back);
        test("a page that lost its process opens again", ShellTests::renderer);
        test("a program that dies can be started again", ShellTests::death);
        test("a program that was told to end closes the app", ShellTests::shutdown);
        test("a program whose input closes ends", ShellTests::input);
        test("a folder in use is told, and is free after the end", ShellTests::inUse);
        System.out.println(count + " tests of the shell's code passed");
    }

    private static void test(String name, Test test) throws Exception {
        long start = System.nanoTime();
        test.run();
        count++;
        System.out.printf("  %s (%.1f s)%n", name, (System.nanoTime() - start) / 1e9);
    }

    // --- tests ---------------------------------------------------------------------------------------------------------------

    private static void failure() throws Exception {
        install("echo out; echo grüße >&2; exit 7");
        Main main = start();
        check(main.content.equals(R.layout_starting), "first the layout of the start");
        untilEnded(main);
        check(said(main).equals("out\ngrüße\n\nexit code 7"), "said: " + said(main));
        check(!main.isFinished, "the text stays");
        // The button.
        install("echo again; exit 8");
        main.start(null);
        check(main.content.equals(R.layout_starting), "the layout of the start again");
        untilEnded(main);
        check(said(main).equals("again\n\nexit code 8"), "said: " + said(main));
        main.onDestroy();

        // An old ready file is no sign of life, and one with an error opens nothing.
        Files.writeString(data().resolve("ready.json"), "{\"port\":1,\"token\":\"old\"}");
        install("printf '{\"error\":\"no room\"}' >ready.json; sleep 1; echo no room; exit 9");
        main = start();
        untilEnded(main);
        check(said(main).equals("no room\n\nexit code 9"), "said: " + said(main));
        main.onDestroy();
    }

    private static void missing() throws Exception {
        Files.delete(folder.resolve("lib/libthomas.so"));
        Main main = start();
        untilEnded(main);
        check(said(main).contains("IOException") && said(main).contains("libthomas.so"), "said: " + said(main));
        main.onDestroy();
    }

    private static void open() throws Exception {
        install("exec '" + program + "' \"$@\"");
        Context.lastBroadcast = battery(57, 314, 0, 3);
        Main main = start();
        WebView page = untilOpen(main);
        check(page.address.matches("http://127\\.0\\.0\\.1:[0-9]+/#token=.{20,}"), "address: " + page.address);
        check(page.settings.script && page.settings.storage && !page.settings.files && !page.settings.needsGesture, "settings");
        check(page.settings.agent.equals("Mozilla/5.0 ThomasShell/1"), "agent: " + page.settings.agent);
        check(ask(page, "GET", "api/ready", token(page)).startsWith("200 {"), "ready");
        check(ask(page, "GET", "api/ready", "wrong").startsWith("401"), "a wrong token");
        String html = ask(page, "GET", "", "");
        check(html.toLowerCase().startsWith("200 <!doctype html>"), "the page: " + html);
        check(Files.isDirectory(data().resolve("studio")), "the folder of the studio");
        end(main);
    }

    private static void battery() throws Exception {
        Context.lastBroadcast = battery(57, 314, 0, 3);
        Main main = start();
        WebView page = untilOpen(main);
        check(sensors().equals("Battery 57 314 Discharging"), "files: " + sensors());
        String about = ask(page, "GET", "api/about", token(page));
        check(about.matches("(?s).*\"battery\":0\\.57\\b.*") && about.matches("(?s).*\"temperature\":31\\.4\\b.*"), "about: " + about);
        check(main.receivers.size() == 1, "one receiver");
        for (Object[] each : new Object[][] {
            {battery(100, 250, 1, 5), "Battery 100 250 Charging"}, {battery(40, 451, 2, 2), "Battery 40 451 Charging"},
            {battery(12, 300, 2, 3), "Battery 12 300 Discharging"}, {new Intent("none"), "Battery -1 -1000 Discharging"}}) {
            main.receivers.get(0).onReceive(main, (Intent) each[0]);
            check(sensors().equals(each[1]), "files: " + sensors());
        }

        main.receivers.get(0).onReceive(main, null);
        end(main);
        check(main.receivers.isEmpty(), "no receiver is left");
    }

    private static void addresses() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        String own = page.address.substring(0, page.address.indexOf('#'));
        for (String mine : List.of(own, own + "#/p/1/teach", own + "api/about")) check(!isKept(page, mine), mine);
        for (String foreign : List.of("http://127.0.0.1:1/", own.replace("127.0.0.1", "localhost"), own.replace("http:", "ftp:"),
            own.replace("http://", "http://user@"), own.replace("127.0.0.1", "127.0.0.1.example.org"), "http://example.org/", "file:///etc/passwd",
            "content://a/b", "intent:a#Intent;end", "javascript:1", "mailto:a@example.org", "data:text/plain,a")) {
            check(isKept(page, foreign), foreign);
        }

        check(main.started.isEmpty(), "nothing was started");
        check(isKept(page, "https://example.org/model"), "https");
        check(main.started.size() == 1 && main.started.get(0).action.equals("android.intent.action.VIEW"), "the browser");
        check(main.started.get(0).data.toString().equals("https://example.org/model"), "the browser's address");
        main.canStart = false;
        check(isKept(page, "https://example.org/model"), "https without a browser");
        end(main);
    }

    private static void camera() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        Asked first = new Asked(page.address), second = new Asked(page.address), foreign = new Asked("http://127.0.0.1:1/");
        page.chrome.onPermissionRequest(first);
        check(main.permissions.equals(List.of("android.permission.CAMERA")) && first.answer == null, "the user is asked");
        page.chrome.onPermissionRequest(second);
        check("no".equals(first.answer) && second.answer == null, "the first of two is refused");
        main.onRequestPermissionsResult(0, new String[0], new int[0]);
        check("no".equals(second.answer), "the user refused");
        main.onRequestPermissionsResult(0, new String[0], new int[0]);

        Asked third = new Asked(page.address), fourth = new Asked(page.address);
        page.chrome.onPermissionRequest(third);
        Context.GRANTED.add("android.permission.CAMERA");
        main.onRequestPermissionsResult(0, new String[0], new int[0]);
        check("[android.webkit.resource.VIDEO_CAPTURE]".equals(third.answer), "the user agreed: " + third.answer);
        main.permissions.clear();
        page.chrome.onPermissionRequest(fourth);
        check("[android.webkit.resource.VIDEO_CAPTURE]".equals(fourth.answer) && main.permissions.isEmpty(), "not asked twice");
        page.chrome.onPermissionRequest(foreign);
        check("no".equals(foreign.answer), "a foreign page");
        Context.GRANTED.clear();
        end(main);
    }

    private static void files() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        List<String> got = new ArrayList<>();
        check(choose(page, got, SEVERAL, "image/*"), "a dialog opens");
        Intent asked = main.started.get(0);
        check(asked.action.equals("android.intent.action.GET_CONTENT") && asked.type.equals("image/*"), "images: " + asked.type);
        check(asked.categories.equals(Set.of("android.intent.category.OPENABLE")), "what can be opened");
        check(Boolean.TRUE.equals(asked.extras.get("android.intent.extra.ALLOW_MULTIPLE")) && main.codes.get(0) == FILES, "several");
        Intent answer = new Intent("");
        answer.clip = new ClipData();
        for (String name : List.of("content://a/1", "content://a/2")) answer.clip.items.add(new ClipData.Item(new Uri(name)));
        main.onActivityResult(FILES, OK, answer);
        check(got.equals(List.of("[content://a/1, content://a/2]")), "several: " + got);

        check(choose(page, got, ONE, ".tflite", ".onnx"), "a dialog opens");
        check(main.started.get(1).type.equals("*/*"), "any file: " + main.started.get(1).type);
        check(Boolean.FALSE.equals(main.started.get(1).extras.get("android.intent.extra.ALLOW_MULTIPLE")), "one");
        main.onActivityResult(FILES, OK, new Intent("", new Uri("content://a/3")));
        check(choose(page, got, ONE), "a dialog opens");
        main.onActivityResult(FILES, CANCELED, null);
        check(choose(page, got, ONE), "a dialog opens");
        main.onActivityResult(FILES, OK, new Intent(""));
        // A second dialog answers the first with nothing.
        check(choose(page, got, ONE) && choose(page, got, ONE), "a dialog opens");
        main.canStart = false;
        check(!choose(page, got, ONE), "no dialog");
        check(got.equals(List.of("[content://a/1, content://a/2]", "[content://a/3]", "null", "null", "null", "null")), "answers: " + got);
        main.onActivityResult(FILES, OK, answer);
        check(got.size() == 6, "answers after the end");
        end(main);
    }

    private static void save() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        Path exports = data().resolve("studio/projects/0123456789abcdef/exports");
        Files.createDirectories(exports);
        byte[] model = new byte[200_001];
        Arrays.fill(model, (byte) 7);
        Files.write(exports.resolve("my flöwers.tflite"), model);

        check(isKept(page, "thomas://save/0123456789abcdef/my%20fl%C3%B6wers.tflite"), "the link");
        Intent asked = main.started.get(0);
        check(asked.action.equals("android.intent.action.CREATE_DOCUMENT") && asked.type.equals("application/octet-stream"), "the dialog");
        check("my flöwers.tflite".equals(asked.extras.get("android.intent.extra.TITLE")) && main.codes.get(0) == SAVE, "the name");
        main.onActivityResult(SAVE, CANCELED, null);
        main.onActivityResult(SAVE, OK, new Intent("", new Uri("content://downloads/1")));
        untilShown(R.string_saved);
        check(Arrays.equals(model, Context.RESOLVER.written.get("content://downloads/1").toByteArray()), "the bytes");

        // A place that fails; names that would lead elsewhere; files that are not there.
        main.onActivityResult(SAVE, OK, new Intent("", new Uri("other://downloads/1")));
        untilShown(R.string_not_saved);
        Files.createDirectories(data().resolve("x/exports"));
        Files.writeString(data().resolve("x/exports/secret"), "secret");
        for (String link : List.of("thomas://save/0123456789abcdef/..%2F..%2F..%2F..%2Fready.json", "thomas://save/..%2F..%2Fx/secret",
            "thomas://save/x/%2E%2E", "thomas://save/../ready.json", "thomas://save/0123456789abcdef/no")) {
            isKept(page, link);
            main.onActivityResult(SAVE, OK, new Intent("", new Uri("content://downloads/2")));
            untilShown(R.string_not_saved);
        }

        check(!Context.RESOLVER.written.containsKey("content://downloads/2"), "nothing was written");
        int dialogs = main.started.size();
        for (String link : List.of("thomas://save", "thomas://save/a", "thomas://save/a/b/c", "thomas:save")) check(isKept(page, link), link);
        check(main.started.size() == dialogs, "links that make no sense");
        main.canStart = false;
        isKept(page, "thomas://save/0123456789abcdef/a");
        untilShown(R.string_not_saved);
        end(main);

        // Android had ended the app while its dialog was open.
        main = start();
        untilOpen(main);
        main.onActivityResult(SAVE, OK, new Intent("", new Uri("content://downloads/3")));
        untilShown(R.string_not_saved);
        end(main);
    }

    private static void screen() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        for (Object[] each : new Object[][] {{"Thomas Studio", false}, {"▶ More – Thomas Studio", true}, {"More ▶", false}, {"▶", true}, {"", false}}) {
            page.chrome.onReceivedTitle(page, (String) each[0]);
            check(each[1].equals(page.isScreenKeptOn), "title " + each[0]);
        }

        end(main);
    }

    private static void back() throws Exception {
        Main main = start();
        main.onBackPressed();
        check(main.backs == 1, "before the page opens");
        WebView page = untilOpen(main);
        page.pages = 1;
        main.onBackPressed();
        check(main.backs == 1 && page.pages == 0, "back in the page");
        main.onBackPressed();
        check(main.backs == 2, "back out of the app");
        end(main);
    }

    private static void renderer() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        check(page.client.onRenderProcessGone(page, null), "the app goes on");
        WebView other = (WebView) main.content;
        check(other != page && page.isDestroyed && !other.isDestroyed && other.address.equals(page.address), "a page in the place of the other");
        check(ask(other, "GET", "api/ready", token(other)).startsWith("200"), "ready");
        end(main);
        check(other.isDestroyed, "destroyed at the end");
    }

    private static void death() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        process().destroyForcibly();
        untilEnded(main);
        check(said(main).endsWith("exit code 137") && page.isDestroyed, "said: " + said(main));
        main.start(null);
        WebView other = untilOpen(main);
        check(!token(other).equals(token(page)), "another token");
        end(main);
    }

    private static void shutdown() throws Exception {
        Main main = start();
        WebView page = untilOpen(main);
        check(ask(page, "POST", "api/shutdown", token(page)).startsWith("202"), "shutdown");
        Looper.until("the app closes", () -> main.isFinished);
        check(main.content == page, "no text is shown");
        main.onDestroy();
    }

    private static void input() throws Exception {
        Main main = start();
        untilOpen(main);
        Field program = Main.class.getDeclaredField("program"), process = Program.class.getDeclaredField("process");
        program.setAccessible(true);
        process.setAccessible(true);
        ((Process) process.get(program.get(main))).getOutputStream().close();
        Looper.until("the app closes", () -> main.isFinished);
        main.onDestroy();
    }

    private static void inUse() throws Exception {
        Main main = start();
        untilOpen(main);
        ProcessHandle first = process();
        Main other = start();
        untilEnded(other);
        check(said(other).contains("in use") && said(other).endsWith("exit code 4"), "said: " + said(other));
        other.onDestroy();
        main.onDestroy();
        // At once: the former program is still ending.
        main = start();
        untilOpen(main);
        check(!first.isAlive(), "the former program has ended");
        end(main);
    }

    // --- what the tests share ------------------------------------------------------------------------------------------------

    private static Path data() {
        return folder.resolve("no_backup");
    }

    /** Puts a script in the place of the program. */
    private static void install(String script) throws IOException {
        Path path = folder.resolve("lib/libthomas.so");
        Files.writeString(path, "#!/bin/sh\n" + script + "\n");
        path.toFile().setExecutable(true);
    }

    private static Main start() {
        Main main = new Main();
        main.onCreate(null);
        return main;
    }

    /** Destroys the activity, which must end the program. */
    private static void end(Main main) throws Exception {
        ProcessHandle process = process();
        check(process.isAlive(), "the program runs");
        main.onDestroy();
        Looper.until("the program has ended", () -> !process.isAlive());
    }

    private static ProcessHandle process() throws IOException {
        String ready = Files.readString(data().resolve("ready.json"));
        return ProcessHandle.of(Long.parseLong(ready.replaceAll("(?s).*\"pid\":\\s*([0-9]+).*", "$1"))).orElseThrow();
    }

    private static WebView untilOpen(Main main) throws InterruptedException {
        Looper.until("the page opens", () -> {
            check(!main.content.equals(R.layout_ended), "the program ended: " + said(main));
            return main.content instanceof WebView;
        });
        return (WebView) main.content;
    }

    private static void untilEnded(Main main) throws InterruptedException {
        Looper.until("the program's text is shown", () -> main.content.equals(R.layout_ended));
    }

    private static void untilShown(int text) throws InterruptedException {
        Looper.until("text " + text, () -> !Toast.SHOWN.isEmpty());
        check(Toast.SHOWN.equals(List.of(text)), "text " + text + ": " + Toast.SHOWN);
        Toast.SHOWN.clear();
    }

    private static String said(Main main) {
        return ((TextView) main.findViewById(R.id_log)).text + "";
    }

    private static boolean isKept(WebView page, String address) {
        return page.client.shouldOverrideUrlLoading(page, () -> new Uri(address));
    }

    private static boolean choose(WebView page, List<String> got, int mode, String... types) {
        return page.chrome.onShowFileChooser(page, uris -> got.add(Arrays.toString(uris)), new FileChooserParams() {
            @Override
            public String[] getAcceptTypes() {
                return types;
            }

            @Override
            public int getMode() {
                return mode;
            }
        });
    }

    private static Intent battery(int level, int temperature, int plugged, int status) {
        Intent intent = new Intent("android.intent.action.BATTERY_CHANGED");
        intent.extras.put("level", level);
        intent.extras.put("scale", 100);
        intent.extras.put("temperature", temperature);
        intent.extras.put("plugged", plugged);
        intent.extras.put("status", status);
        return intent;
    }

    private static String sensors() throws IOException {
        StringBuilder text = new StringBuilder();
        for (String name : List.of("type", "capacity", "temp", "status")) {
            text.append(' ').append(Files.readString(data().resolve("sys/class/power_supply/battery").resolve(name)));
        }

        return text.substring(1);
    }

    private static String token(WebView page) {
        return page.address.substring(page.address.indexOf("#token=") + 7);
    }

    /** The status and the body of an answer. */
    private static String ask(WebView page, String method, String path, String token) throws IOException {
        String own = page.address.substring(0, page.address.indexOf('#'));
        HttpURLConnection connection = (HttpURLConnection) URI.create(own + path).toURL().openConnection();
        connection.setRequestMethod(method);
        connection.setRequestProperty("X-Thomas-Token", token);
        int status = connection.getResponseCode();
        return status + " " + (status < 400 ? new String(connection.getInputStream().readAllBytes()) : "");
    }

    private static void check(boolean holds, String what) {
        if (!holds) throw new AssertionError(what);
    }

    private static final class Asked extends PermissionRequest {
        private final Uri origin;
        private String answer;

        private Asked(String origin) {
            this.origin = new Uri(origin);
        }

        @Override
        public Uri getOrigin() {
            return origin;
        }

        @Override
        public void grant(String[] resources) {
            answer(Arrays.toString(resources));
        }

        @Override
        public void deny() {
            answer("no");
        }

        private void answer(String text) {
            check(answer == null, "answered twice");
            answer = text;
        }
    }
}

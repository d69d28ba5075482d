package android.content;

import android.content.pm.ApplicationInfo;
import java.io.File;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

public class Context {
    /** The phone's part, which a test sets. */
    public static File folder;
    public static final ApplicationInfo INFO = new ApplicationInfo();
    public static final ContentResolver RESOLVER = new ContentResolver();
    public static final Set<String> GRANTED = new HashSet<>();
    public static Intent lastBroadcast;

    public final List<BroadcastReceiver> receivers = new ArrayList<>();

    public File getNoBackupFilesDir() {
        return new File(folder, "no_backup");
    }

    public File getCacheDir() {
        return new File(folder, "cache");
    }

    public ApplicationInfo getApplicationInfo() {
        return INFO;
    }

    public ContentResolver getContentResolver() {
        return RESOLVER;
    }

    public int checkSelfPermission(String name) {
        return GRANTED.contains(name) ? 0 : -1;
    }

    public Intent registerReceiver(BroadcastReceiver receiver, IntentFilter filter) {
        receivers.add(receiver);
        return filter.action.equals("android.intent.action.BATTERY_CHANGED") ? lastBroadcast : null;
    }

    public void unregisterReceiver(BroadcastReceiver receiver) {
        if (!receivers.remove(receiver)) throw new IllegalArgumentException("not registered");
    }
}

package android.os;

import java.util.concurrent.Delayed;
import java.util.concurrent.TimeUnit;

public class Message implements Delayed {
    public int what, arg1;
    public Object obj;

    Handler handler;
    long due = System.nanoTime();

    public void sendToTarget() {
        handler.looper.queue.add(this);
    }

    @Override
    public long getDelay(TimeUnit unit) {
        return unit.convert(due - System.nanoTime(), TimeUnit.NANOSECONDS);
    }

    @Override
    public int compareTo(Delayed other) {
        return Long.compare(due, ((Message) other).due);
    }
}

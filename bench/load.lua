-- Walks through prepared requests, each once, and stops when all are answered (bench/inputs.py says how the file looks).
--   wrk … <url> -- <file> <count> <what a good answer matches>
-- One wrk thread: it alone walks through the file, so that no request is sent twice.

local head, bodies = {}, {}
local method, path
local sent, answered, bad = 0, 0, 0
local count, expected
local is_trial = true

function init(args)
  count, expected = tonumber(args[2]), args[3]
  local in_head = true
  for line in io.lines(args[1]) do
    if in_head and line == "" then
      in_head = false
    elseif not in_head then
      bodies[#bodies + 1] = line
    elseif method == nil then
      method, path = line:match("^(%S+) (%S+)$")
    else
      local name, value = line:match("^([^:]+): (.*)$")
      head[name] = value
    end
  end
end

function request()
  local index = sent % #bodies + 1
  if is_trial then
    -- wrk asks for one request that it never sends, to see whether they change.
    is_trial = false
  elseif sent >= count then
    return "" -- Nothing is left: the connection rests until the others are done.
  else
    sent = sent + 1
  end
  return wrk.format(method, path, head, method == "POST" and bodies[index] or nil)
end

function response(status, headers, body)
  answered = answered + 1
  if status ~= 200 or not body:find(expected) then
    bad = bad + 1
    if bad == 1 then
      io.stdout:write("bad ", status, " ", body:sub(1, 300):gsub("%s+", " "), "\n")
    end
  end
  if answered == count then
    io.stdout:write("answered ", answered, " bad ", bad, "\n")
    io.stdout:flush()
    wrk.thread:stop()
  end
end

function done(summary)
  local errors = summary.errors
  io.stdout:write("broken ", errors.connect + errors.read + errors.write + errors.timeout, "\n")
end

*** Settings ***
Documentation     The gesture app on a virtual board. `robot --variable ENGINE:renode` runs it on the other engine.
Library           sim.robot    board=arduino_nano_33_ble
Test Teardown     Stop Board

*** Test Cases ***
Running Is Recognised
    Start Board                     app=gesture
    Play Recording                  imu    running_07
    ${decision} =                   Wait For Decision    label=running    within=10 s
    Should Be Equal                 ${decision.label}    running
    Score Should Be Above           0.8
    Latency Should Be Below         250 ms
    No Deadline Should Be Missed

What It Costs
    Start Board                     app=gesture
    Play Recording                  imu    walking_03
    Wait For Decision
    Instructions Should Be Below    3 M
    Stack Should Be Below           4 KiB
    Flash Should Be Below           256 KiB
    ${time} =                       Board Time
    Should Be True                  0 < ${time} < 10

A Bound That Is Missed Fails
    Start Board                     app=gesture
    Play Recording                  imu    walking_03
    Wait For Decision
    Run Keyword And Expect Error    *instructions*    Instructions Should Be Below    1000

A Decision That Does Not Come Fails
    Start Board                     app=gesture
    Play Recording                  imu    walking_03
    Run Keyword And Expect Error    *did not come within*    Wait For Decision    label=flying    within=1 s
